/** Why a message has, or has not, been handled: at each consumer, with what can be done about it. */
import { get, path } from '../../api/client.js';
import type { Explanation } from '../../api/types.js';
import { useQuery } from '../../api/use.js';
import { href } from '../../state/router.js';
import { Card, Status } from '../../ui/basics.js';
import { count } from '../../ui/format.js';
import { Icon } from '../../ui/icon.js';
import { Pending } from '../../ui/states.js';
import { Time } from '../../ui/time.js';
import { explanationKinds } from './explanation-kinds.js';

interface Explained {
  readonly items: readonly Explanation[];
}

export function Explanations({ id }: { readonly id: string }) {
  const asked = useQuery<Explained>(
    (signal) => get(path`/messages/${id}/explanation`, {}, signal),
    [id],
    ['messages', 'agents', 'consumers', 'pauses', 'dead-letters'],
  );
  return (
    <Card title="Why it is where it is">
      {asked.data ? (
        <ul class="explanations">
          {asked.data.items.map((item, index) => (
            <One key={item.consumer ?? index} of={item} />
          ))}
        </ul>
      ) : (
        <Pending of={asked} />
      )}
    </Card>
  );
}

function One({
  of: { consumer, reason, text, advice, since, until, agent, error, queueDepth },
}: {
  readonly of: Explanation;
}) {
  const [kind, title] = explanationKinds[reason];
  return (
    <li class={`explanation ${kind}`}>
      <header>
        <Status kind={kind}>{title}</Status>
        {consumer && <a href={href('/consumers')}>{consumer}</a>}
      </header>
      <p>{text}</p>
      {advice && (
        <p class="advice">
          <Icon name="next" />
          {advice}
        </p>
      )}
      {error && !text.includes(error.message) && (
        <p class="error">{`${error.name} · ${error.code}: ${error.message}`}</p>
      )}
      <p class="when">
        {since && (
          <span>
            since <Time at={since} />
          </span>
        )}
        {until && (
          <span>
            changes <Time at={until} />
          </span>
        )}
        {agent && (
          <span>
            at <a href={href(path`/agents/${agent}`)}>{agent}</a>
          </span>
        )}
        {queueDepth !== undefined && <span>{count(queueDepth)} in its queue</span>}
      </p>
    </li>
  );
}
