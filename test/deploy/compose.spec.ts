import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { loadSettings } from 'agentmq/agent';
import { parse } from 'yaml';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Record<string, string>;
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Record<string, { readonly condition: string }>;
  readonly healthcheck?: { readonly test?: readonly string[] };
}

interface Compose {
  readonly services: Record<string, Service>;
  readonly volumes: Record<string, unknown>;
}

/** The file with the defaults of its variables: `${NAME:-default}`. */
const read = (file: string): Compose =>
  parse(readFileSync(file, 'utf8').replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1'), { merge: true }) as Compose;

const onRabbitMq = read('docker-compose.yml');
const onRedis = read('docker-compose.redis.yml');

describe.each([
  { file: 'docker-compose.yml', compose: onRabbitMq, broker: 'rabbitmq' },
  { file: 'docker-compose.redis.yml', compose: onRedis, broker: 'redis' },
])('$file', ({ compose: { services, volumes }, broker }) => {
  const apps = Object.entries(services).filter(([, { image }]) => image === 'agentmq');

  it('starts apps that there are, with settings that they accept, on the broker that it starts', () => {
    const names = apps.map(([name]) => name);
    expect(names).toEqual(expect.arrayContaining(['migrate', 'monitor', 'specialist', 'worker', 'coordinator']));
    for (const [name, { command, environment = {} }] of apps) {
      expect(command).toEqual(name === 'migrate' ? ['migrate'] : ['start', name]);
      if (name !== 'migrate') expect(existsSync(`apps/${name}/src/main.ts`)).toBe(true);
      const { bus, database } = loadSettings(environment);
      expect(bus.type).toBe(broker);
      expect(new URL(bus.urls[0] ?? '').hostname).toBe(broker);
      expect(new URL(database.url).hostname).toBe('postgres');
    }
  });

  it('waits for the servers until they answer, and keeps what they have', () => {
    for (const [name, { depends_on = {} }] of apps) {
      const servers = name === 'migrate' ? ['postgres'] : [broker, 'postgres'];
      for (const server of servers) {
        expect(depends_on[server]).toEqual({ condition: 'service_healthy' });
        expect(services[server]?.healthcheck?.test).toBeDefined();
      }
    }
    expect(Object.keys(volumes)).toEqual([broker, 'postgres', 'prometheus', 'grafana']);
  });
});

it('has Prometheus and Grafana in the profile metrics alone, and mounts files that there are', () => {
  const inProfile = Object.entries(onRabbitMq.services).filter(([, { profiles }]) => profiles?.includes('metrics'));
  expect(inProfile.map(([name]) => name)).toEqual(['prometheus', 'grafana']);
  const mounted = inProfile.flatMap(([, { volumes = [] }]) => volumes.filter((volume) => volume.startsWith('./')));
  expect(mounted.length).toBe(3);
  for (const volume of mounted) expect(existsSync(volume.split(':')[0] ?? '')).toBe(true);
});

describe('docker-compose.redis.yml', () => {
  it('differs from docker-compose.yml in the broker alone', () => {
    const without = ({ services }: Compose, broker: string): unknown =>
      Object.entries(services)
        .filter(([name]) => name !== broker)
        .map(([name, { environment = {}, depends_on = {}, ...rest }]) => {
          const { [broker]: _, ...others } = depends_on;
          const { MESSAGE_BUS_TYPE: _type, REDIS_URL: _redis, AMQP_URL: _amqp, ...variables } = environment;
          return [name, rest, others, variables];
        });
    expect(without(onRedis, 'redis')).toEqual(without(onRabbitMq, 'rabbitmq'));
  });

  it('has Redis keep what it has taken: written to a file, and not evicted at the limit of its memory', () => {
    const { command = [], environment } = onRedis.services['redis'] as Service;
    const valueOf = (option: string): string | undefined => command[command.indexOf(option) + 1];
    expect(valueOf('--appendonly')).toBe('yes');
    expect(valueOf('--maxmemory-policy')).toBe('noeviction');
    const { password } = new URL(onRedis.services['worker']?.environment?.['REDIS_URL'] ?? '');
    expect([valueOf('--requirepass'), environment?.['REDISCLI_AUTH']]).toEqual([password, password]);
  });
});
