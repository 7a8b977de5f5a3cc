/** What came of a message at each of its consumers, attempt by attempt. */
import type { ComponentChildren } from 'preact';
import { path } from '../../api/client.js';
import type { MessageView } from '../../api/types.js';
import { href } from '../../state/router.js';
import { Card, Status } from '../../ui/basics.js';
import { plural, shortId } from '../../ui/format.js';
import { Empty } from '../../ui/states.js';
import { Time } from '../../ui/time.js';
import { stateKinds } from './state-kinds.js';

type Delivery = MessageView['deliveries'][number];

export function Deliveries({ message: { deliveries, published } }: { readonly message: MessageView }) {
  return (
    <Card title="Deliveries">
      {deliveries.length === 0 ? (
        <Empty title="No consumer is known">
          {published ? 'The broker has it; no consumer is owed it by the store.' : 'It has not gone out yet.'}
        </Empty>
      ) : (
        <ul class="deliveries">
          {deliveries.map((each) => (
            <One key={each.consumer} of={each} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function One({ of: delivery }: { readonly of: Delivery }) {
  const { consumer, state, attempt, agentId, receivedAt, finishedAt, dueAt, discarded, history } = delivery;
  return (
    <li class="delivery">
      <header>
        <a href={href('/consumers')}>{consumer}</a>
        <Status kind={discarded ? 'idle' : stateKinds[state]}>{discarded ? 'discarded' : state}</Status>
        <span class="faint">{attempt === 0 ? 'never claimed' : plural(attempt, 'attempt')}</span>
      </header>
      <ol class="moments">
        {receivedAt && (
          <Moment at={receivedAt} kind="idle">
            first received
          </Moment>
        )}
        {history.map((failed) => (
          <Moment key={failed.attempt} at={failed.at} kind="bad">
            attempt {failed.attempt} {failed.agentId && <Agent id={failed.agentId} />} failed
            <Failure error={failed.error} />
          </Moment>
        ))}
        {dueAt && (
          <Moment at={dueAt} kind="warn">
            next attempt
          </Moment>
        )}
        {state === 'processing' && agentId && (
          <li>
            <Status kind="busy">with {agentId}</Status>
          </li>
        )}
        {state === 'completed' && finishedAt && (
          <Moment at={finishedAt} kind="good">
            completed {agentId && <Agent id={agentId} />}
          </Moment>
        )}
        {(state === 'dead' || state === 'expired') && finishedAt && (
          <Moment at={finishedAt} kind="bad">
            {state} {history.length === 0 && <Failure error={delivery.error} />}
          </Moment>
        )}
        {discarded && (
          <Moment at={discarded.at} kind="idle">
            discarded: <Reason of={discarded.reason} />
          </Moment>
        )}
      </ol>
    </li>
  );
}

/** The message that took its place is a link. */
function Reason({ of: reason }: { readonly of: string }) {
  const [, by] = /^replaced by (\S+)$/.exec(reason) ?? [];
  if (by === undefined) return <>{reason}</>;
  return (
    <>
      replaced by <a href={href(path`/messages/${by}`)}>{shortId(by)}</a>
    </>
  );
}

const Agent = ({ id }: { readonly id: string }) => (
  <>
    at <a href={href(path`/agents/${id}`)}>{id}</a>
  </>
);

interface MomentProps {
  readonly at: string;
  readonly kind: 'good' | 'bad' | 'warn' | 'idle';
  readonly children: ComponentChildren;
}

const Moment = ({ at, kind, children }: MomentProps) => (
  <li class={kind}>
    <span>{children}</span>
    <Time at={at} />
  </li>
);

const Failure = ({ error }: { readonly error: Delivery['error'] }) =>
  error && <span class="error">{`${error.name} · ${error.code}: ${error.message}`}</span>;
