export { openMailer, type Mail, type Mailer, type MailConfig } from './mailer.ts'
export { dkimRecord, newDkimKey, type DkimKey } from './dkim.ts'
