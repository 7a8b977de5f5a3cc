import { Global, Module } from '@nestjs/common';
import { Strategies } from './distribution/balancing/strategies.js';
import { CircuitBreakers } from './distribution/breaker/circuit-breakers.js';
import { Distribution } from './distribution/distribution.js';
import { Router } from './distribution/routing/router.js';

/** Requests to able agents: `Distribution`, by `Router` (rules), `Strategies` (load balancing) and `CircuitBreakers`. */
@Global()
@Module({
  providers: [Strategies, Router, CircuitBreakers, Distribution],
  exports: [Strategies, Router, CircuitBreakers, Distribution],
})
export class DistributionModule {}
