import { processFaults } from './cases/index.js';
import { describeFaults } from './describe-faults.js';

describeFaults('senders that die, and processes that are restarted', processFaults);
