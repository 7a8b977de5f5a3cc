import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { BusStoppedError } from 'agentmq/messaging';
import { pause } from 'agentmq/time';
import { type ElectionGroup, type Leadership } from '../election/election-group.js';
import { Elections } from '../election/elections.js';
import type { LeaderDuty } from './leader-duty.js';

/** The group whose leader assigns tasks. */
export const COORDINATORS = 'coordinators';
const AGAIN_MS = 1_000;

/** Makes this agent one of the coordinators: they elect a leader, which does what was added here. */
@Injectable()
export class Coordinators implements OnApplicationBootstrap {
  private readonly logger = new Logger('Coordinators');
  private readonly duties: LeaderDuty[] = [];
  private joined: ElectionGroup | undefined;
  private leadership: Leadership | undefined;

  constructor(private readonly elections: Elections) {}

  /** The group, once this agent takes part in it. */
  get group(): ElectionGroup | undefined {
    return this.joined;
  }

  /** From now on this agent does it whenever it leads. */
  add(duty: LeaderDuty): void {
    this.duties.push(duty);
    if (this.leadership) void this.fulfil(duty, this.leadership);
  }

  onApplicationBootstrap(): void {
    const onElected = (leadership: Leadership): void => {
      this.leadership = leadership;
      for (const duty of this.duties) void this.fulfil(duty, leadership);
    };
    this.elections.join(COORDINATORS, { onElected }).then(
      (group) => (this.joined = group),
      (error: unknown) => {
        if (!(error instanceof BusStoppedError)) this.logger.error(error);
      },
    );
  }

  private async fulfil(duty: LeaderDuty, leadership: Leadership): Promise<void> {
    while (!leadership.signal.aborted) {
      try {
        await duty.run(leadership);
        return;
      } catch (error) {
        if (leadership.signal.aborted) return;
        this.logger.error(`${duty.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        await pause(AGAIN_MS, leadership.signal);
      }
    }
  }
}
