import 'reflect-metadata';
import { ValidateBy } from 'class-validator';
import type { Kind } from './kinds.js';
import { placeOf } from './places.js';

export interface SettingOptions {
  /** Where it is in the configuration file, if not where the variable's name says. */
  readonly place?: string;
  /** Its name in code, if not the property's. */
  readonly option?: string;
  /** Whether the option is for this one of the settings that share its name; asked of the object that has both. */
  readonly takes?: (settings: Readonly<Record<string, unknown>>) => boolean;
  /** What docs/SETTINGS.md says of its default, if not the default itself. */
  readonly default?: string;
}

/** One property of a settings class, as it was declared. */
export interface DeclaredSetting {
  readonly property: string;
  readonly variable: string;
  /** `section.key` in the configuration file. */
  readonly place: string;
  /** Its name in code. */
  readonly option: string;
  readonly takes: (settings: Readonly<Record<string, unknown>>) => boolean;
  readonly kind: Kind;
  readonly meaning: string;
  readonly shownDefault?: string;
}

const SETTINGS = Symbol('agentmq:settings');

/**
 * Declares a property as a setting: read from the variable `REGISTRY_AGENT_TIMEOUT`, from the file that `…_FILE` names, or from
 * `registry.agent_timeout` in the configuration file, given by code as `registry.agentTimeout`, and checked by class-validator as its kind says. `meaning` is what
 * docs/SETTINGS.md says of it.
 */
export function Setting<T>(
  kind: Kind<T>,
  variable: string,
  meaning: string,
  { place = placeOf(variable), option, takes = () => true, default: shownDefault }: SettingOptions = {},
): PropertyDecorator {
  const validate = ValidateBy({
    name: 'setting',
    validator: {
      validate: (value) => kind.problem(value as T) === undefined,
      defaultMessage: (args) => kind.problem(args?.value as T) ?? '',
    },
  });
  return (target, property) => {
    validate(target, property);
    const declared: DeclaredSetting = {
      property: String(property),
      variable,
      place,
      option: option ?? String(property),
      takes,
      kind,
      meaning,
      ...(shownDefault === undefined ? {} : { shownDefault }),
    };
    Reflect.defineMetadata(SETTINGS, [...settingsOf(target), declared], target);
  };
}

/** The settings that the class of an object declares, in their order. */
export const settingsOf = (settings: object): readonly DeclaredSetting[] =>
  (Reflect.getMetadata(SETTINGS, settings) as readonly DeclaredSetting[] | undefined) ?? [];
