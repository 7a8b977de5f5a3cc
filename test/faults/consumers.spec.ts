import { consumerFaults } from './cases/index.js';
import { describeFaults } from './describe-faults.js';

describeFaults('consumers that die or stand still', consumerFaults);
