const PATHS = {
  protect: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 4a2 2 0 1 0 0 4 2 2 0 0 0 0-4Z',
  person: 'M8 2.8a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4ZM2.8 13.5c.6-2.6 2.6-4 5.2-4s4.6 1.4 5.2 4',
  detect: 'M8 13.5v-4M5 12.5a4.5 4.5 0 1 1 6 0M3.2 13.8a6.8 6.8 0 1 1 9.6 0M8 7.6a1 1 0 1 0 0 2 1 1 0 0 0 0-2Z',
  share:
    'M4 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6ZM12 2.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6ZM12 10.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6ZM5.6 7.2l4.8-2.4M5.6 8.8l4.8 2.4',
  warn: 'M8 2a4 4 0 0 0-4 4v3.2L2.8 11.5h10.4L12 9.2V6a4 4 0 0 0-4-4ZM6.6 13.5a1.5 1.5 0 0 0 2.8 0',
  reports: 'M3.5 14V2.5h8.2L10 5.2l1.7 2.8H3.5',
  leaf: 'M4 11.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3ZM12 11.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3ZM8 1.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3ZM7.2 4.4 4.6 11.6M8.8 4.4l2.6 7.2',
  gear: 'M2 5h7M13 5h1M2 11h1M7 11h7M11 3.3a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4ZM5 9.3a1.7 1.7 0 1 0 0 3.4 1.7 1.7 0 0 0 0-3.4Z',
  open: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM8 2.5V5M8 11v2.5M2.5 8H5M11 8h2.5',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.4 10.4l3.1 3.1',
  cross: 'm4.5 4.5 7 7M11.5 4.5l-7 7',
  columns: 'M2.5 3.5h11v9h-11ZM6.2 3.5v9M9.8 3.5v9',
  down: 'M8 2.5v7.5M4.8 7.2 8 10.4l3.2-3.2M3 13.5h10',
  eye: 'M1.8 8S4 3.8 8 3.8 14.2 8 14.2 8 12 12.2 8 12.2 1.8 8 1.8 8ZM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6Z',
  alert: 'M8 2.5 14 13H2ZM8 6.5v3M8 11.3v.2',
} as const
export type IconName = keyof typeof PATHS

export const Icon = ({ name }: { readonly name: IconName }) => (
  <svg className="i" viewBox="0 0 16 16" aria-hidden="true">
    <path d={PATHS[name]} />
  </svg>
)

/** The round rattan shield. */
export const Mark = () => (
  <svg className="mk" viewBox="0 0 24 24" fill="none" stroke="currentColor" aria-hidden="true">
    <circle cx="12" cy="12" r="10.5" strokeWidth="2" />
    <circle cx="12" cy="12" r="6.6" strokeWidth="2.4" strokeDasharray="2.3 1.15" />
    <circle cx="12" cy="12" r="2.4" fill="currentColor" stroke="none" />
  </svg>
)
