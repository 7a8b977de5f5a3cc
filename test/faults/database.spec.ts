import { databaseFaults } from './cases/index.js';
import { describeFaults } from './describe-faults.js';

describeFaults('Postgres', databaseFaults);
