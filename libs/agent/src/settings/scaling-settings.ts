import { fraction, parsed, secondsOrLess, Setting, text } from 'agentmq/settings';
import { readScaledRoles, type ScaledRole, writeScaledRoles } from './scaled-roles.js';

/** What the leader of the coordinators does about backlogs. */
export class ScalingSettings {
  /** None: it starts and stops no agents. */
  @Setting(
    parsed(readScaledRoles, writeScaledRoles),
    'SCALING',
    'roles whose workers the coordinators start and stop: `worker:1-5,specialist:1-3`; docs/SCALING.md',
    { place: 'scaling.roles' },
  )
  roles: readonly ScaledRole[] = [];

  @Setting(
    fraction(0.1, 1_000_000),
    'SCALING_TARGET_BACKLOG',
    'how many messages and tasks one worker is to have, waiting or in its hands',
  )
  targetBacklog = 10;

  @Setting(
    secondsOrLess(0, 86_400),
    'SCALING_COOL_DOWN',
    'for how long fewer workers must have been enough before some are stopped',
  )
  coolDown = 60_000;

  @Setting(secondsOrLess(0.1, 3_600), 'SCALING_INTERVAL', 'how often backlogs are looked at')
  interval = 2_000;

  @Setting(
    secondsOrLess(0.1, 3_600),
    'SCALING_START_TIMEOUT',
    'how long a worker may take from its start until it is registered, and to leave when told to stop',
  )
  startTimeout = 60_000;

  /** Empty: the app of that name. */
  @Setting(
    text(),
    'SCALING_COMMAND',
    'what starts a worker: words separated by spaces, in which `{role}` stands for the role',
    { default: "the role's app of this installation" },
  )
  command = '';
}
