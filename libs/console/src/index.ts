export { ConsoleModule } from './console.module.js';
export { protectApp } from './protect-app.js';
export { TasksApiModule } from './tasks.module.js';
