import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { until } from './wait.js';

/** TCP ports, both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const LOCAL_RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range';
const ELSEWHERE: PortRange = { first: 20_000, last: 31_999 };
const LAST_PORT = 65_535;
/** Fewer below the machine's own range, or above it, would soon be used up. */
const ENOUGH_BELOW = 2_000;
const ENOUGH_ABOVE = 500;
const FIRST_BELOW = 10_000;

/**
 * The ports for servers of the tests', given what Linux says of the ports that it gives to outgoing connections
 * (`ip_local_port_range`; undefined on other systems). Out of that range, since a client that keeps trying to reach a
 * stopped server could otherwise be given that very port, or even connect to itself. Where nearly all ports are in it,
 * 20000 to 31999: a server that is started again there must be ready to wait.
 */
export function serverPorts(localRange: string | undefined): PortRange {
  const [low, high] = (localRange ?? '').trim().split(/\s+/).map(Number);
  if (low === undefined || high === undefined || !Number.isInteger(low) || !Number.isInteger(high)) return ELSEWHERE;
  if (low - FIRST_BELOW >= ENOUGH_BELOW) return { first: FIRST_BELOW, last: low - 1 };
  if (LAST_PORT - high >= ENOUGH_ABOVE) return { first: high + 1, last: LAST_PORT };
  return ELSEWHERE;
}

const given = new Set<number>();

/** Resolves with a TCP port on which nothing listens at 127.0.0.1, and which this process has not been given before. */
export async function freePort(): Promise<number> {
  const { first, last } = serverPorts(localRange());
  for (let tries = 0; tries < 200; tries++) {
    const port = randomInt(first, last + 1);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`found no free port from ${first} to ${last}`);
}

/** Resolves with the same URL at a port where nothing listens. */
export async function nowhere(url: string): Promise<string> {
  const changed = new URL(url);
  changed.port = String(await freePort());
  return changed.href;
}

/** Resolves when all these ports can be listened on at 127.0.0.1; rejects after `timeoutMs`. */
export async function untilFree(ports: readonly number[], timeoutMs: number): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (const port of ports) await until(`port ${port} to be free`, () => isFree(port), end - Date.now(), 50);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function localRange(): string | undefined {
  try {
    return readFileSync(LOCAL_RANGE_FILE, 'utf8');
  } catch {
    return undefined;
  }
}
