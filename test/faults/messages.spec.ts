import { dataFaults } from './cases/index.js';
import { describeFaults } from './describe-faults.js';

describeFaults('messages, rows and clocks', dataFaults);
