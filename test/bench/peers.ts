import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Ends } from './compare/contender.js';

/** The package of the libraries that AgentMQ is measured beside, as it lies in the sources. */
const FOLDER = new URL('../../../test/bench/peers/', import.meta.url);

/** Installs the peers on first use, and after their lock file has changed. Throws, with what to do, if that fails. */
export function installPeers(): void {
  const installed = new URL('node_modules/.package-lock.json', FOLDER);
  const wanted = new URL('package-lock.json', FOLDER);
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  const folder = fileURLToPath(FOLDER);
  console.log(`installing the peers in ${folder}`);
  const { status, stderr } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(
    `The peers could not be installed: run "npm ci" in ${folder}, or leave them out by --only.\n${stderr.slice(-2_000)}`,
  );
}

/** Both ends of a peer. They are plain JavaScript, since its types are there only once it is installed. */
export async function endsOfPeer(file: string): Promise<Ends> {
  return (await import(new URL(`${file}.mjs`, FOLDER).href)) as Ends;
}

/** The package names exact versions. */
export function peerVersions(): Record<string, string> {
  const manifest = readFileSync(new URL('package.json', FOLDER), 'utf8');
  return (JSON.parse(manifest) as { dependencies: Record<string, string> }).dependencies;
}
