import { runChild } from '../../src/app/child.ts'
import { openMailbox } from './mailbox.ts'
import { startViewer, type ViewerConfig } from './viewer.ts'

export type TelecomConfig = {
  /** Where mails are kept. */
  readonly folder: string
  readonly smtp: { readonly host: string; readonly port: number }
  readonly web: ViewerConfig
}

/** The demo's mail server and the page that shows its mails; no mail leaves this machine. */
runChild(async (told) => {
  const config = told as TelecomConfig
  await using stack = new AsyncDisposableStack()
  const box = stack.use(await openMailbox(config.folder, config.smtp))
  stack.use(await startViewer(box, config.web))
  const owned = stack.move()
  return { [Symbol.asyncDispose]: () => owned.disposeAsync() }
})
