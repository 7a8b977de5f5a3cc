import { clusterFaults } from './cases/index.js';
import { describeFaults } from './describe-faults.js';

describeFaults('a cluster of RabbitMQ nodes', clusterFaults);
