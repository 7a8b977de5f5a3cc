/** How a hop of a trace is told, in all three pictures alike. */
import { Facts, type Kind, Status } from '../../ui/basics.js';
import { duration } from '../../ui/format.js';
import { Icon } from '../../ui/icon.js';
import { href } from '../../state/router.js';
import { path } from '../../api/client.js';
import type { HopView } from './layout/tree.js';

export const outcomeKinds: Readonly<Record<HopView['outcome'], Kind>> = {
  waiting: 'warn',
  published: 'idle',
  handling: 'busy',
  retrying: 'warn',
  completed: 'good',
  failed: 'bad',
  expired: 'bad',
};

/** Of a task its own view, else that of the message; what is not stored has none. */
export const hopHref = ({ kind, messageId, storedAt }: HopView): string | undefined =>
  kind === 'task' ? href(path`/tasks/${messageId}`) : storedAt ? href(path`/messages/${messageId}`) : undefined;

export const HopName = ({ hop }: { readonly hop: HopView }) => (
  <span class="hop">
    <b>{hop.kind === 'reply' ? 'reply' : hop.type}</b>
    <span class="faint"> → {recipientOf(hop)}</span>
  </span>
);

/** The agents that had it, else what it was sent to. */
export const recipientOf = ({ attempts, to, consumer }: HopView): string => {
  const agents = [...new Set(attempts.map(({ agent }) => agent))];
  return agents.length > 0 ? agents.join(', ') : (consumer ?? to);
};

export const HopOutcomeStatus = ({ hop: { outcome, error } }: { readonly hop: HopView }) => (
  <Status kind={outcomeKinds[outcome]}>
    {error && outcome !== 'completed' ? `${outcome} ${error.code}` : outcome}
  </Status>
);

/** Everything that the trace has of it. */
export function HopDetails({ hop, start }: { readonly hop: HopView; readonly start: string }) {
  const after = (at: string | undefined): string | undefined =>
    at === undefined ? undefined : `+${duration(Math.max(0, Date.parse(at) - Date.parse(start)))}`;
  const to = hopHref(hop);
  return (
    <div class="hop-details">
      <Facts
        of={[
          ['Kind', hop.kind],
          ['Outcome', <HopOutcomeStatus hop={hop} />],
          ['From', hop.from],
          ['To', hop.to],
          ['Consumer', hop.consumer],
          ['Sent', after(hop.sentAt)],
          ['Stored', after(hop.storedAt)],
          ['Published', after(hop.publishedAt)],
          ['Received', after(hop.receivedAt)],
          ['Handled', after(hop.handledAt)],
          ['Error', hop.error && `${hop.error.name} · ${hop.error.code}`],
        ]}
      />
      {hop.attempts.length > 0 && (
        <ol class="attempts" aria-label="Attempts">
          {hop.attempts.map(({ attempt, agent, receivedAt, handledAt, outcome, error }) => (
            <li key={attempt}>
              <span class="number">{attempt}</span>
              <span>{agent}</span>
              <span class="faint">{after(receivedAt) ?? after(handledAt)}</span>
              <span class="faint">
                {receivedAt && handledAt && `took ${duration(Date.parse(handledAt) - Date.parse(receivedAt))}`}
              </span>
              <Status kind={outcome === 'completed' ? 'good' : outcome === 'handling' ? 'busy' : 'bad'}>
                {error ? `${outcome} ${error.code}` : outcome}
              </Status>
            </li>
          ))}
        </ol>
      )}
      {to && (
        <a class="onward" href={to}>
          {hop.kind === 'task' ? 'Open the task' : 'Open the message'} <Icon name="next" />
        </a>
      )}
    </div>
  );
}
