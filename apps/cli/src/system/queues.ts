import type { AgentSettings } from 'agentmq';
import type { Inbox, QueueState, RabbitMqQueues } from 'agentmq/broker';
import { Audit, inboxesOf, withQueues } from 'agentmq/operations';
import { commandActor } from '../command/actor.js';
import type { JsonOption } from '../command/options.js';
import { withStore } from '../command/with-store.js';
import { count, print, printPage, some, type TableView, troubleStyle } from '../output/index.js';

/** Lists queues as they exist, and the arguments in which they differ from the settings. */
export function listQueues(consumers: readonly string[], { json }: JsonOption): Promise<void> {
  return withInboxes(consumers, async (queues, inboxes) => {
    printPage({ items: await queues.list(inboxes) }, json, view);
  });
}

/** Makes the queues anew whose arguments differ from the settings, and says which. What is done by the time of an error is in the audit too. */
export function migrateQueues(consumers: readonly string[]): Promise<void> {
  return withInboxes(consumers, async (queues, inboxes, audit) => {
    let made = 0;
    try {
      await queues.migrate(inboxes, ({ queue, moved, overtaken }) => {
        made++;
        const warning = overtaken
          ? ': a running agent has declared it again with other settings; restart the agents with these, then run this again'
          : '';
        print(`${queue}: made anew, ${moved} messages moved${warning}`);
      });
    } finally {
      const entry = { action: 'queues.migrate', target: consumers.join(', ') || 'all', rows: made };
      if (made > 0) await audit.record(commandActor(), entry);
    }
    print(made === 0 ? 'every queue is as the settings want it' : `${some(made, 'queue')} made anew`);
  });
}

function withInboxes(
  consumers: readonly string[],
  work: (queues: RabbitMqQueues, inboxes: readonly Inbox[], audit: Audit) => Promise<void>,
): Promise<void> {
  return withStore(async (store, settings: AgentSettings) =>
    withQueues(settings, async (queues) => work(queues, await inboxesOf(store, consumers), new Audit(store.database))),
  );
}

const view: TableView<QueueState> = {
  columns: [
    { title: 'queue', align: 'left', least: 16, cell: ({ queue }) => queue },
    { title: 'messages', align: 'right', cell: ({ messages }) => count(messages) },
    { title: 'consumers', align: 'right', cell: ({ consumers }) => count(consumers) },
    {
      title: 'differs',
      align: 'left',
      least: 20,
      paint: (cell) => (cell === '' ? undefined : 'yellow'),
      cell: differences,
    },
    {
      title: 'aside',
      align: 'right',
      optional: 1,
      paint: troubleStyle,
      cell: ({ aside }) => (aside === undefined ? '' : count(aside)),
    },
  ],
  none: 'no queues',
};

function differences({ differences: all }: QueueState): string {
  return all.map(({ argument, wanted = 'none', found = 'none' }) => `${argument} ${found}, not ${wanted}`).join('; ');
}
