import { Body, Controller, Module, Post } from '@nestjs/common';
import { Agent, AgentClient, AgentModule, AgentMQError, Ctx, Handle, startAgent, Subscribe } from 'agentmq';
import { Delegation, Pipelines, PipelinesModule, Task, TaskContext, Tasks } from 'agentmq/coordination';
import { IsIn, IsString } from 'class-validator';
import { clear, type Kept, type KeptContracts, sealed, type Way } from './keeper-contracts.js';

const ROLE = 'keeper';
const WAIT_MS = 15_000;

class Refused extends AgentMQError {
  readonly code = 'REFUSED';
}

/** How often a text has come in clear to each of the methods that take it. */
const heard = new Map<string, number>();
const hear = (place: string, { text }: Kept): void =>
  void heard.set(`${place} ${text}`, (heard.get(`${place} ${text}`) ?? 0) + 1);

/** The same agent twice: for contracts that are sensitive, and for contracts that are not. */
function keeperOf({ Note, Answer, Job, Piece, Progress }: KeptContracts): new (...args: never[]) => object {
  @Agent({ role: ROLE, concurrency: 16 })
  class Keeper {
    constructor(
      private readonly agents: AgentClient,
      private readonly delegation: Delegation,
    ) {}

    /** `again` fails at first, `refuse` always: with the text in the error. */
    @Handle(Note)
    take(note: Kept, @Ctx() { attempt }: TaskContext): Kept {
      hear('note', note);
      if (note.way === 'again' && attempt === 1) throw new Error(`not now: ${note.text}`);
      if (note.way === 'refuse') throw new Refused(`never: ${note.text}`);
      return Object.assign(new Answer(), note);
    }

    @Subscribe('kept.*', Note)
    read(note: Kept): void {
      hear('topic', note);
    }

    @Subscribe('progress.*', Progress)
    follow(progress: Kept): void {
      hear('progress', progress);
    }

    @Task(Job)
    async work(job: Kept, @Ctx() { task }: TaskContext): Promise<object> {
      hear('job', job);
      const { text, way } = job;
      if (way === 'again' && task?.attempt === 1) throw new Error(`not now: ${text}`);
      if (way === 'refuse') throw new Refused(`never: ${text}`);
      if (way === 'split') {
        await this.agents.publish('progress.job', Progress, { text, way });
        const { results } = await this.delegation.delegate(
          Piece,
          [
            { text, way: 'take' },
            { text, way: 'take' },
          ],
          {
            to: { role: ROLE },
            answer: Answer,
          },
        );
        return Object.assign(new Answer(), results[0]);
      }
      // what is of no contract, too
      return { text, way };
    }

    @Task(Piece)
    piece(piece: Kept): Kept {
      hear('piece', piece);
      return Object.assign(new Answer(), piece);
    }
  }
  return Keeper;
}

class Script implements Kept {
  @IsString()
  text!: string;

  @IsIn(['sealed', 'clear'])
  way!: 'sealed' & Way;
}

/** Does all that can be done with a text, for the test. */
@Controller('script')
class ScriptController {
  constructor(
    private readonly agents: AgentClient,
    private readonly tasks: Tasks,
    private readonly pipelines: Pipelines,
  ) {
    for (const { name, Job, Piece } of [sealed, clear])
      pipelines.define(name, [
        { name: 'first', contract: Job, to: { role: ROLE } },
        { name: 'second', contract: Piece, to: { role: ROLE } },
      ]);
  }

  @Post()
  async play(@Body() { text, way: name }: Script): Promise<Record<string, string>> {
    const { Note, Answer, Job } = name === 'sealed' ? sealed : clear;
    const to = { role: ROLE };
    const ids: Record<string, string> = {};
    const send = async (key: string, way: Way, options = {}): Promise<void> => {
      ids[key] = (await this.agents.send(to, Note, { text, way }, options)).messageId;
    };
    await Promise.all([
      send('taken', 'take'),
      send('again', 'again'),
      send('dead', 'refuse'),
      send('late', 'take', { delay: 300 }),
    ]);
    ids['published'] = (await this.agents.publish('kept.note', Note, { text, way: 'take' })).messageId;
    ids['broadcast'] = (await this.agents.broadcast(Note, { text, way: 'take' })).messageId;
    check('the answer', await this.agents.request(to, Note, { text, way: 'take' }, { answer: Answer }), text);
    const refusal = await this.agents.request(to, Note, { text, way: 'refuse' }).catch((error: unknown) => error);
    check('the error of a request', { text: String(refusal).replace(/^.*never: /, '') }, text);

    const submit = (way: Way): Promise<string> => this.tasks.submit(Job, { text, way }, { to, attempts: 2 });
    const [plain, again, refused, split, run] = await Promise.all([
      submit('take'),
      submit('again'),
      submit('refuse'),
      submit('split'),
      this.pipelines.start(name, { text, way: 'take' }),
    ]);
    Object.assign(ids, { task: plain, taskAgain: again, taskRefused: refused, taskSplit: split, run });
    const signal = AbortSignal.timeout(WAIT_MS);
    for (const id of [plain, again, split, run])
      check(`the result of ${id}`, await this.tasks.result(id, { answer: Answer, signal }), text);
    ids['refusal'] = await this.tasks
      .result(refused, { signal })
      .then(String, (error: unknown) => (error as Error).name);
    return ids;
  }

  /** How often each method has had the text. */
  @Post('heard')
  heard(@Body() { text }: Script): Record<string, number> {
    return Object.fromEntries(
      [...heard].flatMap(([key, count]) => (key.endsWith(` ${text}`) ? [[key.split(' ')[0], count]] : [])),
    );
  }
}

function check(what: string, value: unknown, text: string): void {
  if ((value as Kept).text !== text) throw new Error(`${what} has another text`);
}

@Module({
  imports: [AgentModule.forRoot(), PipelinesModule],
  controllers: [keeperOf(sealed), keeperOf(clear), ScriptController],
})
class KeeperModule {}

await startAgent(KeeperModule);
