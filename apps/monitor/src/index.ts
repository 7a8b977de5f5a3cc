export { MonitorModule, type MonitorOptions } from './monitor.module.js';
