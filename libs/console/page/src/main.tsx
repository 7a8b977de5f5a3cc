import './style/index.css';
import { render } from 'preact';
import { App } from './app.js';
import { begin } from './state/session.js';

void begin();
render(<App />, document.body);
