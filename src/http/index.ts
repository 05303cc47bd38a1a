export { callerOf, cookieOf } from './checks.ts'
export { eventStream } from './event-stream.ts'
export { answer, bindRoutes, type Asked, type Bound, type Door, type Handler } from './bind.ts'
export { assets } from './assets.ts'
export { serve, newRequestId, type Listening } from './serve.ts'
export {
  citizenPage,
  consolePage,
  html,
  htmlResponse,
  icon,
  raw,
  redirect,
  type ConsolePage,
  type Html,
  type RailItem,
} from './html.ts'
export { errorPage } from './error-page.ts'
export type { Frame, Page } from './frame.ts'
export { openapi } from './openapi.ts'
