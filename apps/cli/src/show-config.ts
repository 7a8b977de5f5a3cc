import { describeSettings, effectiveSettings } from 'agentmq/agent';
import { print } from './output.js';
import { table, type TableColumn } from './report/index.js';

const columns = ['setting', 'variable', 'value', 'from'].map((title): TableColumn => ({ title, align: 'left' }));

/** Prints the settings that an app would start with, or as `markdown` what they mean; throws what it would not start with. */
export function showConfig({ markdown }: { readonly markdown: boolean }): void {
  if (markdown) {
    print(...describeSettings().split('\n'));
    return;
  }
  const rows = effectiveSettings().map(({ place, variable, value, origin }) => [place, variable, value, origin]);
  print(...table(columns, rows, process.stdout.columns ?? Infinity));
}
