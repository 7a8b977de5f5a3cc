import type { Probe } from './probes.js';

/** A server that was started for this run alone. */
export interface Throwaway {
  readonly url: string;
  stop(): Promise<void>;
}

/** The ways to come by a service, as far as this machine has them. */
export interface Means {
  /** Its name, for people. */
  service: string;
  /** The environment variable that may name one. */
  variable: string;
  /** What the variable says, if anything. */
  given?: string;
  /** Where a local one would answer. */
  local: readonly string[];
  probe: Probe;
  /** Whether there are binaries to start one from; asked again after an installation. */
  installed(): boolean;
  start(): Promise<Throwaway>;
  /** Installs the binaries; undefined where that is not ours to do. */
  install?: () => Promise<void>;
  /** Commands that would help, one a line. */
  advice: readonly string[];
}

/** A service for the tests to use. */
export interface Provided {
  url: string;
  /** One line that says which service it is and where it comes from. */
  origin: string;
  /** Stops it if it was started for this run. */
  stop(): Promise<void>;
}

/** There is no service for the tests, and no way to get one. */
export class ServiceMissing extends Error {
  override readonly name = 'ServiceMissing';
}

/**
 * Resolves with a service that answers: the one that the environment names, else a local one, else one started from
 * installed binaries, else one started from binaries installed now. Rejects with ServiceMissing if there is no way, and
 * if the one that the environment names does not answer: it was asked for, so no other will do.
 */
export async function provide(means: Means, say: (line: string) => void): Promise<Provided> {
  const { service, variable, given } = means;
  if (given) {
    const refusal = await means.probe(given);
    if (refusal === undefined) return running(given, `${service}: ${shown(given)}, which ${variable} names`);
    throw new ServiceMissing(`${variable} is ${shown(given)}, but that can't be used: ${refusal}`);
  }
  const refusals: string[] = [];
  for (const url of means.local) {
    const refusal = await means.probe(url);
    if (refusal === undefined) return running(url, `${service}: ${shown(url)}, which runs here`);
    refusals.push(`${shown(url)}: ${refusal}`);
  }
  if (!means.installed() && means.install) {
    say(`${service}: none answers and none is installed; installing it from packages`);
    await means.install();
  }
  if (!means.installed()) throw new ServiceMissing(missing(means, refusals));
  const server = await means.start();
  return {
    url: server.url,
    origin: `${service}: ${shown(server.url)}, started for this run`,
    stop: () => server.stop(),
  };
}

function running(url: string, origin: string): Provided {
  return { url, origin, stop: async () => undefined };
}

function missing({ service, variable, advice }: Means, refusals: string[]): string {
  return [
    `The tests need ${service}, and there is none:`,
    ...refusals.map((refusal) => `  ${refusal}`),
    '  no installed binaries were found',
    `Set ${variable} to one that runs elsewhere, or get one by any of`,
    ...advice.map((line) => `  ${line}`),
  ].join('\n');
}

/** The URL without its password. */
function shown(url: string): string {
  return url.replace(/(:\/\/[^:@/]*):[^@/]*@/, '$1@');
}
