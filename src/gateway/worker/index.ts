export { startGateway, type GatewayDeps, type GatewayHandle } from './gateway.ts'
export { LIMITS, type Limits } from './limits.ts'
export type { Recorder, Refusal, WorkerStats } from './refusal.ts'
export { socketRecorder } from './socket-recorder.ts'
