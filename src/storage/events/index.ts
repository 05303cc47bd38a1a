export { addressBytes, networkRange } from './address.ts'
export {
  eventStore,
  monthWriter,
  segmentLoader,
  type Cursor,
  type EventQueries,
  type EventStore,
  type HistogramAsked,
  type SearchAnswer,
  type SearchAsked,
  type SegmentLoader,
  type Span,
  type TopAsked,
} from './client.ts'
export { FIELDS, fieldOf, type FieldName } from './columns.ts'
export {
  serveSocket,
  socketClient,
  jsonOf,
  type SocketClient,
  type SocketHandler,
  type SocketRequest,
} from './socket.ts'
export type { Term, Test, Where } from './where.ts'
