/** Choices of this browser. */
import type { Signal } from '@preact/signals';
import { density, theme, times } from '../state/preferences.js';
import { me } from '../state/session.js';
import { Card, Facts, Tag } from '../ui/basics.js';
import { View } from '../ui/view.js';

export function SettingsView() {
  return (
    <View title="Settings" lead="These are kept in this browser only.">
      <div class="columns">
        <Card title="Appearance">
          <Choice label="Theme" of={theme} options={{ system: 'System', light: 'Light', dark: 'Dark' }} />
          <Choice label="Rows" of={density} options={{ comfortable: 'Comfortable', compact: 'Compact' }} />
          <Choice label="Times" of={times} options={{ relative: 'Relative', local: 'Local', utc: 'UTC' }} />
        </Card>
        <Card title="Session">
          <Facts
            of={[
              ['Name', me.value?.name],
              ['Roles', me.value?.roles.map((role) => <Tag key={role}>{role}</Tag>)],
              ['Access', me.value?.anonymous && 'No tokens are set: everything that reaches this address may do all.'],
              ['API', <a href="/openapi.json">OpenAPI document</a>],
            ]}
          />
        </Card>
      </div>
    </View>
  );
}

interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly of: Signal<Value>;
  readonly options: Readonly<Record<Value, string>>;
}

function Choice<Value extends string>({ label, of, options }: ChoiceProps<Value>) {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div>
        {(Object.entries(options) as [Value, string][]).map(([value, text]) => (
          <label key={value}>
            <input type="radio" name={label} checked={of.value === value} onChange={() => (of.value = value)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
