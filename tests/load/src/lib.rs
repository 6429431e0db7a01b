//! Load on the ledger and the issuer: clients, clocks and accounts that the measurements share.
