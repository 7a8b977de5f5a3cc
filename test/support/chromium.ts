import { accessSync, constants } from 'node:fs';
import type { Browser } from 'playwright-core';
import { canInstallPackages, installPackage } from './apt.js';
import { commandPath } from './binaries.js';
import { ServiceMissing } from './provide.js';

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const APPLICATIONS = ['Chromium.app/Contents/MacOS/Chromium', 'Google Chrome.app/Contents/MacOS/Google Chrome'];

/**
 * Starts a Chromium without a window: the one that `CHROMIUM` names, else an installed one, else one installed now. Rejects with
 * `ServiceMissing` if there is no way to get one.
 */
export async function startChromium(): Promise<Browser> {
  const executablePath = await chromiumPath();
  const { chromium } = await import('playwright-core');
  // as root, as in containers, its sandbox can't be had
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args });
}

async function chromiumPath(): Promise<string> {
  const given = process.env['CHROMIUM'];
  if (given) {
    if (isExecutable(given)) return given;
    throw new ServiceMissing(`CHROMIUM is ${given}, which can't be run`);
  }
  const found = installed();
  if (found !== undefined) return found;
  if (canInstallPackages()) await installPackage('chromium');
  const now = installed();
  if (now !== undefined) return now;
  throw new ServiceMissing(
    [
      'The tests of the page need Chromium, and there is none.',
      'Set CHROMIUM to the path of one, or get one by any of',
      '  Debian:  sudo apt-get install -y chromium',
      '  Ubuntu:  sudo snap install chromium',
      '  macOS:   brew install --cask chromium',
    ].join('\n'),
  );
}

const installed = (): string | undefined =>
  COMMANDS.map(commandPath).find((path) => path !== undefined) ??
  APPLICATIONS.map((name) => `/Applications/${name}`).find(isExecutable);

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
