import { Module } from '@nestjs/common';
import { TaskDispatcher } from '../tasks/dispatch/dispatcher.js';
import { Coordinators } from './coordinators.js';

/**
 * Makes an agent app one of the coordinators, who assign tasks: import it beside `CoordinationModule`, in as many apps and
 * instances as should be able to take over.
 */
@Module({ providers: [Coordinators, TaskDispatcher], exports: [Coordinators] })
export class CoordinatorsModule {}
