import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import type { Transaction } from 'agentmq/database';
import type { Question } from 'agentmq/messaging';
import { errorText } from 'agentmq/protocol';
import { TaskNotices } from '../notices.js';
import { AskedStore, type AskedTask } from '../store/asked-store.js';

/** How often the tasks that other processes have made are looked at, in ms: one of these may have died. */
const LOOK_MS = 5_000;
const BATCH = 20;

type Tell = (task: AskedTask, transaction: Transaction) => Promise<void>;

/**
 * Tasks that messages have asked for. Nothing waits for one while it is carried out: once it is settled, one of the processes
 * that call {@link onSettled} tells of it, whichever made it.
 */
@Injectable()
export class AskedTasks implements OnModuleDestroy {
  private readonly logger = new Logger('Tasks');
  /** Made here, and not settled as far as is known. */
  private readonly open = new Set<string>();
  private tell: Tell | undefined;
  private looking: NodeJS.Timeout | undefined;
  private isLooking = false;
  private isDue = false;
  private callOff: (() => void) | undefined;

  constructor(
    private readonly store: AskedStore,
    private readonly notices: TaskNotices,
  ) {}

  /** Notes that a message has asked for a task. Rejects as `Database.ownQuery` does. */
  async note(id: string, question: Question): Promise<void> {
    this.open.add(id);
    await this.store.note(id, question);
    // it may be settled already
    void this.look();
  }

  /**
   * From now on `tell` is called with each task that is settled, once; what it writes in the transaction is committed with that.
   * If it rejects, or this process dies, the task is told of again.
   */
  onSettled(tell: Tell): void {
    this.tell = tell;
    this.looking = setInterval(() => void this.look(), LOOK_MS).unref();
    this.callOff = this.notices.on('settled', (ids) => {
      if (ids.filter((id) => this.open.delete(id)).length > 0) void this.look();
    });
  }

  onModuleDestroy(): void {
    this.tell = undefined;
    clearInterval(this.looking);
    this.callOff?.();
  }

  /** One look at a time; what is told meanwhile is looked at next. */
  private async look(): Promise<void> {
    this.isDue = true;
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      while (this.isDue && this.tell) {
        this.isDue = false;
        if ((await this.tellOf(this.tell)) === BATCH) this.isDue = true;
      }
    } catch (error) {
      this.logger.debug(`tasks that messages asked for are told of later: ${errorText(error)}`);
    } finally {
      this.isLooking = false;
    }
  }

  private tellOf(tell: Tell): Promise<number> {
    return this.store.tell(BATCH, async (tasks, transaction) => {
      for (const task of tasks) await tell(task, transaction);
    });
  }
}
