import { type OwnedSetting, settingsIn } from 'agentmq/settings';
import { AgentSettings } from './settings.js';

/** The tables of docs/SETTINGS.md, made of what the settings' classes declare: a heading and a table for each class. */
export function describeSettings(): string {
  const settings = new AgentSettings();
  const tables: readonly (readonly [title: string, settings: object])[] = [
    ['The agent', settings],
    ['The broker', settings.bus],
    ['The database', settings.database],
    ['Messages', settings.messaging],
    ['Retries', settings.retry],
    ['Sealing', settings.sealing],
    ['Traces', settings.trace],
    ['The registry', settings.registry],
    ['Coordination', settings.coordination],
    ['Tasks', settings.tasks],
    ['Circuits', settings.circuit],
    ['Scaling', settings.scaling],
    ['The monitor', settings.monitor],
    ['HTTP', settings.http],
    ['Access over HTTP', settings.access],
    ['The log', settings.log],
  ];
  const all = settingsIn(settings);
  return tables
    .map(([title, part]) => `### ${title}\n\n${tableOf(all.filter(({ owner }) => owner === part))}`)
    .join('\n\n');
}

function tableOf(settings: readonly OwnedSetting[]): string {
  const rows = settings.map((setting) => {
    const { place, path, variable, meaning, kind } = setting;
    const range = kind.range === undefined ? '' : `; ${kind.range}`;
    return `| \`${place}\` | \`${variable}\` | \`${path}\` | ${defaultOf(setting)} | ${meaning}${range} |`;
  });
  return ['| in the file | variable | in code | default | meaning |', '|---|---|---|---|---|', ...rows].join('\n');
}

function defaultOf({ property, kind, shownDefault, owner }: OwnedSetting): string {
  if (shownDefault !== undefined) return shownDefault;
  const value = kind.show(owner[property]);
  if (kind.unit !== undefined) return `${value} ${kind.unit}`;
  return kind.range === undefined && value !== '' ? `\`${value}\`` : value;
}
