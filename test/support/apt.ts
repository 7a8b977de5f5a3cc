import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { commandPath } from './binaries.js';

const run = promisify(execFile);

/** Debian's way to ask whether a package that is being installed may start its service: 101 means no. */
const POLICY = '/usr/sbin/policy-rc.d';

let updated: Promise<void> | undefined;

/** Whether packages can be installed here: by root, on Debian or what descends from it. */
export function canInstallPackages(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && commandPath('apt-get') !== undefined;
}

/** Installs one package without starting the service in it; resolves when it is there. */
export async function installPackage(name: string): Promise<void> {
  await (updated ??= apt('update'));
  const ours = !existsSync(POLICY);
  if (ours) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await apt('install', '-y', '--no-install-recommends', name);
  } finally {
    if (ours) rmSync(POLICY, { force: true });
  }
}

async function apt(...args: string[]): Promise<void> {
  try {
    await run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`apt-get ${args.join(' ')} failed:\n${`${stdout}${stderr}`.slice(-4_000)}`, { cause: error });
  }
}
