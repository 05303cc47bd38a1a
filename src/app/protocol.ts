/** What parent and child say to each other over the IPC channel of a forked process. */
export type ToChild = { readonly type: 'configure'; readonly config: unknown } | { readonly type: 'stop' }

export type FromChild =
  /** Listening and serving. `sealed` nodes are ready to be unsealed, not to serve people. */
  | { readonly type: 'ready'; readonly note?: Readonly<Record<string, string | number | boolean>> }
  /** Cannot start: one sentence for the person who must act. The parent prints it and exits non-zero. */
  | { readonly type: 'failed'; readonly code: string; readonly detail: string }
