/** `<Icon name="pause" />`: a line drawing of 16 px in the colour of the text, not told to screen readers. */
const shapes = {
  overview: 'M2 9.5 5 9.5 6.5 5 9.5 12.5 11 8.5 14 8.5',
  flow: 'M2.5 4a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0M10.5 8a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0M2.5 12a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0M5.5 4.5 10.5 7.5M5.5 11.5 10.5 8.5',
  agents:
    'M4 5.5h8a1.5 1.5 0 0 1 1.5 1.5v4.5a1.5 1.5 0 0 1-1.5 1.5h-8a1.5 1.5 0 0 1-1.5-1.5v-4.5a1.5 1.5 0 0 1 1.5-1.5zM8 5.5v-2.5M6 9v.5M10 9v.5',
  consumers: 'M2.5 9.5 4.5 3.5h7l2 6v3h-11zM2.5 9.5h3l1 1.5h3l1-1.5h3',
  messages: 'M2.5 4h11v8h-11zM2.5 4.5 8 9l5.5-4.5',
  dead: 'M8 2.5 14 13h-12zM8 6.5v3M8 11.2v.1',
  trace: 'M2.5 4h6M5 8h6.5M8 12h5.5',
  tasks: 'M2.5 4.5 3.7 5.7 5.7 3.3M8 4.5h5.5M2.5 11.5 3.7 12.7 5.7 10.3M8 11.5h5.5',
  pipelines: 'M2 8h3M11 8h3M5 5.5h6v5h-6z',
  decisions: 'M8 2.5v11M4 13.5h8M3 5h10M3 5 1.5 9h3zM13 5l-1.5 4h3z',
  replay: 'M3 8a5 5 0 1 0 1.6-3.7M4.5 1.5v3h3',
  subscriptions: 'M3 12.5v.1M3 8.5a4 4 0 0 1 4 4M3 4.5a8 8 0 0 1 8 8',
  audit: 'M4 2.5h6l2.5 2.5v8.5h-8.5zM6 7h4.5M6 10h4.5',
  settings: 'M2.5 5h6M11.5 5h2M10 3.5v3M2.5 11h2M7.5 11h6M6 9.5v3',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9M10.5 10.5 13.5 13.5',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  close: 'M4 4l8 8M12 4l-8 8',
  copy: 'M5.5 5.5h7.5v7.5h-7.5zM3 10.5v-7.5h7.5',
  check: 'M3 8.5 6.5 12 13 4.5',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.5 12.5 8 5 12.5z',
  drain: 'M8 2.5v7M5 7l3 3 3-3M3 13h10',
  retry: 'M13 8a5 5 0 1 1-1.6-3.7M11.5 1.5v3h-3',
  trash: 'M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.5 9h6l.5-9',
  edit: 'M3 13l.5-3 7-7 2.5 2.5-7 7z',
  stop: 'M4 4h8v8h-8z',
  next: 'M6 3.5 10.5 8 6 12.5',
  back: 'M10 3.5 5.5 8 10 12.5',
  up: 'M4 10 8 5.5 12 10',
  down: 'M4 6 8 10.5 12 6',
  out: 'M6.5 2.5h-3.5v11h3.5M6.5 8h7M10.5 5l3 3-3 3',
} as const;

export type IconName = keyof typeof shapes;

export const Icon = ({ name }: { readonly name: IconName }) => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
    <path d={shapes[name]} />
  </svg>
);
