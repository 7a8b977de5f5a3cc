/** One agent: how it is, what it can do, and pausing, draining and resuming it. */
import { get, path } from '../../api/client.js';
import type { AgentRow } from '../../api/types.js';
import { useQuery } from '../../api/use.js';
import { href } from '../../state/router.js';
import { Card, Facts, Id, Meter, Status, Tag } from '../../ui/basics.js';
import { count } from '../../ui/format.js';
import { Pending } from '../../ui/states.js';
import { Time, Told } from '../../ui/time.js';
import { View } from '../../ui/view.js';
import { PauseActions, PauseNotice } from '../pauses.js';
import { Health } from './health.js';

export function AgentView({ id }: { readonly id: string }) {
  const url = path`/agents/${id}`;
  const asked = useQuery((signal) => get<AgentRow>(url, {}, signal), [id], ['agents', 'pauses']);
  const agent = asked.data;
  return (
    <View
      title={id}
      back={['Agents', href('/agents')]}
      actions={
        agent && agent.health !== 'stopped' && <PauseActions url={url} name={id} of="agent" pause={agent.pause} />
      }
    >
      {agent ? <Agent of={agent} /> : <Pending of={asked} />}
    </View>
  );
}

function Agent({ of: agent }: { readonly of: AgentRow }) {
  const { id, roles, load, inFlight, version, instance, registeredAt, heartbeatAt, pause, conditionDetail } = agent;
  return (
    <>
      {pause && <PauseNotice of={pause} />}
      {conditionDetail && (
        <p class="notice warn">
          <span>
            <Told text={conditionDetail} />
          </span>
        </p>
      )}
      <Card title="Now">
        <Facts
          of={[
            ['State', <Health of={agent} />],
            ['Load', <Meter value={load} label="load" />],
            ['In flight', count(inFlight)],
            ['Heartbeat', <Time at={heartbeatAt} />],
            ['Roles', roles.map((role) => <Tag key={role}>{role}</Tag>)],
            ['Version', version],
            ['Registered', <Time at={registeredAt} />],
            ['Instance', <Id value={instance} />],
          ]}
        />
        <ul class="links">
          <li>
            <a href={href('/messages', { agent: id })}>Its messages</a>
          </li>
          <li>
            <a href={href('/tasks', { agent: id })}>Its tasks</a>
          </li>
          {roles.map((role) => (
            <li key={role}>
              <a href={href('/messages', { consumer: `role.${role}` })}>Messages to {role}</a>
            </li>
          ))}
        </ul>
      </Card>
      <div class="columns">
        <Names title="Handles" none="It handles no contract." of={agent.contracts} />
        <Names title="Capabilities" none="It advertises none." of={agent.capabilities} />
        <Card title="Circuits">
          {agent.circuits.length === 0 && <p class="muted">All circuits to other agents are closed.</p>}
          <ul class="list">
            {agent.circuits.map(({ agent: other, state }) => (
              <li key={other}>
                <a href={href(path`/agents/${other}`)}>{other}</a>
                <Status kind={state === 'open' ? 'bad' : 'warn'}>{state.replaceAll('_', ' ')}</Status>
              </li>
            ))}
          </ul>
        </Card>
        <Card title="Groups">
          {agent.groups.length === 0 && <p class="muted">It takes part in no election.</p>}
          <ul class="list">
            {agent.groups.map(({ group, leads }) => (
              <li key={group}>
                {group}
                {leads ? <Status kind="busy">leads</Status> : <Status kind="idle">follows</Status>}
              </li>
            ))}
          </ul>
        </Card>
      </div>
    </>
  );
}

const Names = ({
  title,
  of,
  none,
}: {
  readonly title: string;
  readonly of: readonly string[];
  readonly none: string;
}) => (
  <Card title={title}>
    {of.length === 0 ? <p class="muted">{none}</p> : of.map((each) => <Tag key={each}>{each}</Tag>)}
  </Card>
);
