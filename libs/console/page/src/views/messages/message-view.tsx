/** One message: why it is where it is, what came of it, what is in it, and what can be done. */
import { get, path } from '../../api/client.js';
import type { MessageView as Message } from '../../api/types.js';
import { useQuery } from '../../api/use.js';
import { href } from '../../state/router.js';
import { Card, Facts, Id, Status, Tag } from '../../ui/basics.js';
import { Pending } from '../../ui/states.js';
import { Time } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { DeadLetterActions } from '../dead-letters/actions.js';
import { Deliveries } from './deliveries.js';
import { Explanations } from './explanations.js';
import { Json } from './payload.js';
import { worstOf } from './state-kinds.js';

const USUAL_PRIORITY = 5;

export function MessageView({ id = '' }: { readonly id?: string }) {
  const asked = useQuery<Message>(
    (signal) => get(path`/messages/${id}`, {}, signal),
    [id],
    ['messages', 'dead-letters'],
  );
  const { data: message } = asked;
  return (
    <View
      title={message ? `${message.type}@${message.version}` : 'Message'}
      heading={message && <Heading message={message} />}
      lead={message && <Lead message={message} />}
      back={['Messages', href('/messages')]}
      actions={message && <DeadLetterActions message={message} changed={asked.reload} />}
    >
      {message ? (
        <div class="detail">
          <div class="main">
            <Explanations id={id} />
            <Deliveries message={message} />
          </div>
          <div class="aside">
            <Card title="Payload">
              {message.payloadHidden === undefined ? (
                <Json value={message.payload} label="Payload" />
              ) : (
                <p class="notice">Not shown: {message.payloadHidden}.</p>
              )}
            </Card>
            <About message={message} />
          </div>
        </div>
      ) : (
        <Pending of={asked} />
      )}
    </View>
  );
}

function Heading({ message }: { readonly message: Message }) {
  const [kind, text] = worstOf({
    ...message,
    deliveries: message.deliveries.map((each) => ({ ...each, discarded: each.discarded !== null })),
  });
  return (
    <>
      {message.type}
      <span class="faint">@{message.version}</span> <Status kind={kind}>{text}</Status>
    </>
  );
}

const Lead = ({ message: { sender, recipient, sentAt } }: { readonly message: Message }) => (
  <>
    {sender} → {recipient}, sent <Time at={sentAt} />
  </>
);

const About = ({ message }: { readonly message: Message }) => (
  <Card
    title="About it"
    action={message.traceId && <a href={href(path`/traces/${message.traceId}`)}>Open its trace</a>}
  >
    <Facts
      of={[
        ['Id', <Id value={message.id} />],
        [
          'Keys',
          message.keys?.length
            ? message.keys.map(({ name, value }) => <KeyLink key={name} name={name} value={value} />)
            : undefined,
        ],
        ['Trace', message.traceId && <Id value={message.traceId} to={href(path`/traces/${message.traceId}`)} />],
        [
          'Correlation',
          message.correlationId && (
            <Id value={message.correlationId} to={href('/messages', { correlation: message.correlationId })} />
          ),
        ],
        [
          'Caused by',
          message.causationId && <Id value={message.causationId} to={href(path`/messages/${message.causationId}`)} />,
        ],
        ['Priority', message.priority === USUAL_PRIORITY ? undefined : message.priority],
        ['Stored', <Time at={message.storedAt} />],
        ['Published', message.published ? 'yes' : 'not yet'],
        ['Goes out', message.deliverAt && <Time at={message.deliverAt} />],
        ['Expires', message.expiresAt && <Time at={message.expiresAt} />],
      ]}
    />
  </Card>
);

const KeyLink = ({ name, value }: { readonly name: string; readonly value: string }) => (
  <a href={href('/messages', { key: `${name}:${value}` })}>
    <Tag>{`${name} ${value}`}</Tag>
  </a>
);
