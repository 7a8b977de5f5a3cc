import { type DeclaredSetting, settingsOf } from 'agentmq/settings';
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
    ['Circuits', settings.circuit],
    ['Scaling', settings.scaling],
    ['The monitor', settings.monitor],
    ['HTTP', settings.http],
    ['The log', settings.log],
  ];
  return tables.map(([title, part]) => `### ${title}\n\n${tableOf(part)}`).join('\n\n');
}

function tableOf(settings: object): string {
  const rows = settingsOf(settings).map((setting) => {
    const { place, variable, meaning, kind } = setting;
    const range = kind.range === undefined ? '' : `; ${kind.range}`;
    return `| \`${place}\` | \`${variable}\` | ${defaultOf(setting, settings)} | ${meaning}${range} |`;
  });
  return ['| in the file | variable | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function defaultOf({ property, kind, shownDefault }: DeclaredSetting, settings: object): string {
  if (shownDefault !== undefined) return shownDefault;
  const value = kind.show((settings as Readonly<Record<string, unknown>>)[property]);
  if (kind.unit !== undefined) return `${value} ${kind.unit}`;
  return kind.range === undefined && value !== '' ? `\`${value}\`` : value;
}
