import { Reflector } from '@nestjs/core';
import type { Role } from './roles.js';

/** The role that a handler needs in place of the usual one: viewer for GET, operator for all else. `none`: not even a token. */
export const Needs = Reflector.createDecorator<Role | 'none'>();
