import { Injectable } from '@nestjs/common';
import { ByCapability } from './by-capability.js';
import { ConsistentHash } from './consistent-hash.js';
import { DuplicateStrategyError, UnknownStrategyError } from './errors.js';
import { LeastLoaded } from './least-loaded.js';
import { PowerOfTwo } from './power-of-two.js';
import { RoundRobin } from './round-robin.js';
import type { Strategy } from './strategy.js';

/** What is used unless another is named. */
export const DEFAULT_STRATEGY = 'least-loaded';

/** The strategies by name, an app's own among them. */
@Injectable()
export class Strategies {
  private readonly makers = new Map<string, () => Strategy>([
    ['round-robin', () => new RoundRobin()],
    ['least-loaded', () => new LeastLoaded()],
    ['power-of-two', () => new PowerOfTwo()],
    ['consistent-hash', () => new ConsistentHash()],
    ['capability', () => new ByCapability()],
  ]);

  get names(): string[] {
    return [...this.makers.keys()];
  }

  /** From now on there is also this one; `make` is called for each destination. Throws {@link DuplicateStrategyError}. */
  add(name: string, make: () => Strategy): void {
    if (this.makers.has(name)) throw new DuplicateStrategyError(name);
    this.makers.set(name, make);
  }

  /** A new one, for one destination. Throws {@link UnknownStrategyError}. */
  create(name: string): Strategy {
    const make = this.makers.get(name);
    if (!make) throw new UnknownStrategyError(name, this.names);
    return make();
  }
}
