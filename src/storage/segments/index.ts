export { eventsOf, frameAt, framesOf, LONGEST_FRAME, type BatchHeader, type Frame } from './frame.ts'
export { SEGMENT_ID, SegmentLog, type SegmentLogOptions } from './segment-log.ts'
export { syncFolder, type Placed, type Segment } from './segment.ts'
export { batchSender, type BatchSender, type BatchSenderOptions } from './batch-sender.ts'
