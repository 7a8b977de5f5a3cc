import { redisFaults } from './cases/index.js';
import { describeFaults } from './describe-faults.js';

describeFaults('Redis', redisFaults, 'redis');
