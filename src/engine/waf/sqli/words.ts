import type { Kind } from './token.ts'

/** Words of the dialects that are attacked (MySQL, PostgreSQL, SQL Server, Oracle, SQLite), by what they do in a statement. */
const LISTS: readonly (readonly [Kind, string])[] = [
  ['E', 'select insert update delete create drop alter replace truncate exec execute waitfor'],
  ['U', 'union intersect'],
  ['&', 'and or xor not'],
  ['o', 'like rlike regexp ilike glob sounds between is isnull notnull div mod similar in escape'],
  ['B', 'having limit offset fetch order group'],
  ['v', 'null'],
  ['1', 'true false'],
  ['T', 'declare begin shutdown backup restore print goto kill reconfigure do call deallocate openrowset'],
  ['A', 'collate'],
  [
    't',
    'int integer bigint smallint tinyint mediumint varchar varchar2 nvarchar char nchar character text ntext blob bytea binary varbinary float real double decimal numeric datetime timestamp boolean bool bit money signed unsigned date time',
  ],
  [
    'k',
    'from where into as by set on using join inner outer left right cross natural full distinct all any some exists case with values table merge load when then else end default key primary foreign references unique index view database databases schema schemas tables columns procedure proc function trigger user role grant revoke to asc desc for outfile dumpfile infile fields terminated lines analyse analyze explain describe show use if while loop return returning top percent rownum only rows row ties having_count current interval partition over window recursive lateral pivot constraint cascade restrict local global temporary temp ignore low_priority delayed high_priority sql_no_cache sql_cache straight_join distinctrow separator modifies option next copy lock unlock nowait rollback commit savepoint dual cascade',
  ],
  [
    'f',
    'abs acos adddate addtime aes_decrypt aes_encrypt ascii asin atan atan2 avg benchmark bin bit_and bit_count bit_length bit_or bit_xor ceil ceiling char_length character_length charindex chr coalesce compress concat concat_ws connection_id conv convert cast convert_tz cos cot count crc32 curdate current_date current_time current_timestamp current_user current_database current_schema current_setting curtime database date_add date_format date_sub datediff dateadd datename datepart dayname dayofmonth dayofweek dayofyear decode degrees des_decrypt des_encrypt dbms_pipe.receive_message dbms_lock.sleep dbms_xmlgen.getxml utl_inaddr.get_host_address utl_http.request ctxsys.drithsx.sn elt encode encrypt exp export_set extract extractvalue field find_in_set floor format found_rows from_base64 from_days from_unixtime generate_series get_format get_lock getdate geometrycollection getutcdate greatest group_concat has_dbaccess hex host_name hour ifnull iif inet_aton inet_ntoa initcap insert instr is_free_lock is_member is_srvrolemember is_used_lock isdate isnull isnumeric json_keys json_extract last_day last_insert_id lcase least len length linestring list_agg listagg ln load_extension load_file locate log log10 log2 lower lpad ltrim make_set makedate master_pos_wait max md5 microsecond mid min minute month monthname multilinestring multipoint multipolygon name_const newid now nullif nvl nvl2 object_id object_name oct octet_length old_password openquery openrowset_bulk ord password patindex period_add period_diff pg_sleep pg_read_file pg_ls_dir pg_user pi point polygon position pow power procedure_analyse quarter query_to_xml quote radians rand randomblob random regexp_like regexp_replace regexp_substring release_lock repeat replicate reverse round row_count rpad rtrim schema scope_identity sec_to_time second serverproperty session_user sha sha1 sha2 sign sin sleep soundex space sqrt stddev str str_to_date strcmp stuff subdate substr substring substring_index subtime suser_name suser_sname suser_id sum sqlite_version system_user sys_context sysdate sys.fn_varbintohexstr tan time_format time_to_sec timediff to_base64 to_char to_date to_days to_number trim translate ucase uncompress unhex unix_timestamp updatexml upper user_id user_name utc_date utc_time utc_timestamp uuid uuid_short variance version week weekday weekofyear xmltype xmlelement xmlagg xmlforest year yearweek zeroblob unicode typeof changes total_changes quotename dbms_java.runjava table_to_xml database_to_xml lo_import lo_export string_agg array_agg array_to_string row_to_json to_json version_comment xp_cmdshell sp_executesql',
  ],
]

/** Two words that are one, joined by a space. */
const PAIRS: readonly (readonly [Kind, string])[] = [
  ['U', 'union all|union distinct|except all|intersect all|minus all'],
  ['B', 'group by|order by|partition by|limit all|fetch first|fetch next'],
  [
    'o',
    'not like|not rlike|not regexp|not ilike|not between|not in|is not|not similar|similar to|sounds like|is null|not null|is distinct|not glob',
  ],
  ['&', 'and not|or not|xor not|not not'],
  [
    'E',
    'insert into|delete from|drop table|drop database|create table|create user|alter table|truncate table|load data|load xml|select distinct|select all|select top|replace into|insert ignore|drop view|create function|create procedure|exec master|delete low_priority',
  ],
  [
    'k',
    'into outfile|into dumpfile|inner join|left join|right join|cross join|full join|natural join|outer join|left outer|right outer|from dual|procedure analyse|having count|as text|for update|lock in|set password|current date|at time|with rollup',
  ],
  ['E', 'waitfor delay|waitfor time'],
  ['t', 'character varying|double precision|long varchar'],
]

const WORDS = new Map<string, Kind>()
for (const [kind, list] of LISTS) for (const word of list.split(' ')) if (!WORDS.has(word)) WORDS.set(word, kind)
for (const [kind, list] of PAIRS) for (const pair of list.split('|')) WORDS.set(pair, kind)
const FUNCTIONS: ReadonlySet<string> = new Set(LISTS.find(([kind]) => kind === 'f')![1].split(' '))

/** What a word, or two words with a space between, does; undefined for a mere name. Lower case. */
export const wordKind = (word: string): Kind | undefined => WORDS.get(word)

const FIRSTS: ReadonlySet<string> = new Set(
  PAIRS.flatMap(([, list]) => list.split('|').map((pair) => pair.split(' ')[0]!)),
)
/** Whether some pair begins with the word. */
export const beginsPair = (word: string): boolean => FIRSTS.has(word)

/** Whether a name before `(` is called: `insert(`, `left(`, `if(` are functions there, whatever else they are. */
export const isCalled = (word: string): boolean => FUNCTIONS.has(word) || CALLED_TOO.has(word)
const CALLED_TOO: ReadonlySet<string> = new Set(
  'if left right replace user database schema char date time mod values truncate interval binary exists'.split(' '),
)
