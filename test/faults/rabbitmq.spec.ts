import { brokerFaults } from './cases/index.js';
import { describeFaults } from './describe-faults.js';

describeFaults('RabbitMQ', brokerFaults);
