export { startIntake, type IntakeConfig, type IntakeDeps, type RunningIntake } from './receiver.ts'
export type { OnEvents } from './stream.ts'
