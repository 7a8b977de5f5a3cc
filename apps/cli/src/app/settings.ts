import { describeSettings, effectiveSettings, type EffectiveSetting } from 'agentmq/agent';
import type { JsonOption } from '../command/options.js';
import { print, printJson, printTable, type TableView } from '../output/index.js';

export interface SettingsOptions extends JsonOption {
  readonly markdown: boolean;
}

/** Prints the settings that an app would start with, or as `markdown` what they mean; throws what it would not start with. */
export function showSettings({ markdown, json }: SettingsOptions): void {
  if (markdown) {
    print(...describeSettings().split('\n'));
    return;
  }
  const items = effectiveSettings();
  if (json) printJson({ items });
  else printTable(items, view);
}

const view: TableView<EffectiveSetting> = {
  columns: [
    { title: 'setting', align: 'left', cell: ({ place }) => place },
    { title: 'variable', align: 'left', optional: 1, cell: ({ variable }) => variable },
    { title: 'value', align: 'left', least: 20, cell: ({ value }) => value },
    { title: 'from', align: 'left', least: 10, cell: ({ origin }) => origin },
  ],
  none: 'no settings',
};
