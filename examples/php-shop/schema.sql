create table customers (
  id serial primary key,
  email varchar(120) not null unique,
  full_name varchar(100) not null,
  phone varchar(20) not null unique,
  password_hash varchar(255) not null,
  created_at timestamptz not null default now()
);
create table orders (
  id serial primary key,
  customer_id int not null references customers (id),
  ship_address text not null,
  note varchar(500),
  total int not null,
  created_at timestamptz not null default now()
);
create table sessions (
  token_hash char(64) primary key,
  customer_id int not null references customers (id),
  created_at timestamptz not null default now()
);
