//! Every format, well made and hostile.
