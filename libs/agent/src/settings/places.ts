import 'reflect-metadata';

const PLACE = 'agentmq:place';

/** Declares where a variable is in the configuration file, if not where {@link placeOf} derives it to be. */
export const Place = (place: string): PropertyDecorator => Reflect.metadata(PLACE, place);

/** `REGISTRY_AGENT_TIMEOUT` is `registry.agent_timeout`: the first word is the section, but for sections of two words. */
const NAME = /^(message_bus|message_store|[a-z]+)(?:_(.+))?$/;

/** The place of a variable in the configuration file: `section.key`, or `key` where the variable is one word. */
export function placeOf(variable: string, settings: object): string {
  const declared = Reflect.getMetadata(PLACE, settings, variable) as string | undefined;
  if (declared !== undefined) return declared;
  const [, section, key] = NAME.exec(variable.toLowerCase()) ?? [];
  return key === undefined ? String(section) : `${section}.${key}`;
}
