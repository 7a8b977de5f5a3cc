import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const HOMEBREW = ['/opt/homebrew', '/usr/local'];

/** The folder in which RabbitMQ's own scripts lie; undefined if RabbitMQ is not installed. */
export function rabbitMqFolder(): string | undefined {
  // Debian's /usr/sbin has wrappers that switch the user and fix the environment: the scripts themselves come first
  const folders = [
    '/usr/lib/rabbitmq/bin',
    ...searchPath(),
    ...HOMEBREW.map((root) => join(root, 'opt/rabbitmq/sbin')),
  ];
  return folders.find((folder) => holds(folder, 'rabbitmq-server', 'rabbitmqctl'));
}

/** The folder of `initdb` and `postgres`, the newest version first; undefined if Postgres is not installed. */
export function postgresFolder(): string | undefined {
  const debian = versions('/usr/lib/postgresql', /^\d+$/).map((name) => join(name, 'bin'));
  const homebrew = HOMEBREW.flatMap((root) =>
    versions(join(root, 'opt'), /^postgresql@\d+$/).map((name) => join(name, 'bin')),
  );
  return [...searchPath(), ...debian, ...homebrew].find((folder) => holds(folder, 'initdb', 'postgres'));
}

/** The path of a command that the search path knows; undefined if it knows none. */
export function commandPath(name: string): string | undefined {
  const folder = searchPath().find((candidate) => holds(candidate, name));
  return folder === undefined ? undefined : join(folder, name);
}

function searchPath(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
}

function versions(folder: string, pattern: RegExp): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => pattern.test(name))
      .sort((a, b) => Number(b.replace(/\D/g, '')) - Number(a.replace(/\D/g, '')))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function holds(folder: string, ...names: string[]): boolean {
  return names.every((name) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
