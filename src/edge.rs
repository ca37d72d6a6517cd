//! Everything on the socket side of a handler; knows no route.
