import { Global, Module } from '@nestjs/common';
import { ElectionStore } from './election/election-store.js';
import { Elections } from './election/elections.js';

/** Leaders for groups of agents: `Elections`. */
@Global()
@Module({ providers: [ElectionStore, Elections], exports: [Elections] })
export class ElectionModule {}
