//! The macro with which each class declares its methods.

/// Declares the methods of a class, once each: what the reader, the writer and the handlers know of a
/// method comes from its line.
///
/// ```text
/// class! {
///     60 Method<'a>;                                    class id, and `<'a>` if any method borrows
///     /// What it is for.
///     80 Ack { delivery_tag: u64, multiple: bool }      method id, name, arguments in wire order
/// }
/// ```
///
/// It makes a struct per method, with [`Arguments`](super::Arguments), and the enum `Method` of them all.
macro_rules! class {
    (
        $class_id:literal Method $(<$lt:lifetime>)?;
        $(
            $(#[$doc:meta])*
            $id:literal $name:ident $(<$own_lt:lifetime>)? { $($argument:ident: $type:ty),* $(,)? }
        )*
    ) => {
        use leveret_core::wire::Reader;

        use super::{ArgumentReader, ArgumentWriter, Arguments, MethodError, MethodFault};

        /// The class id.
        pub const CLASS_ID: u16 = $class_id;

        #[cfg(test)]
        pub(crate) const METHOD_IDS: &[u16] = &[$($id),*];

        /// A method of this class.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Method $(<$lt>)? {
            $($(#[$doc])* $name($name $(<$own_lt>)?),)*
        }

        impl $(<$lt>)? Method $(<$lt>)? {
            /// Reads the arguments of the method with that id, to their end.
            #[inline]
            pub(super) fn read(
                method_id: u16,
                values: Reader<$($lt)?>,
            ) -> Result<Self, MethodError> {
                match method_id {
                    $($id => $name::read(values).map(Self::$name),)*
                    _ => Err(MethodError { class_id: CLASS_ID, method_id, fault: MethodFault::UnknownMethod }),
                }
            }

            /// The method id.
            pub const fn id(&self) -> u16 {
                match self { $(Self::$name(_) => $id,)* }
            }

            /// Appends the method as a frame.
            pub fn write_frame(&self, channel: u16, out: &mut Vec<u8>) {
                match self { $(Self::$name(method) => method.write_frame(channel, out),)* }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            #[allow(missing_docs, reason = "the arguments' names and meanings are the specification's")]
            pub struct $name $(<$own_lt>)? {
                $(pub $argument: $type,)*
            }

            impl $(<$own_lt>)? $name $(<$own_lt>)? {
                /// Reads the arguments, to their end.
                #[inline]
                pub(crate) fn read(values: Reader<$($own_lt)?>) -> Result<Self, MethodError> {
                    let mut _reader = ArgumentReader::new(CLASS_ID, $id, values);
                    let method = Self { $($argument: _reader.argument(stringify!($argument))?,)* };
                    _reader.finish()?;
                    Ok(method)
                }
            }

            impl $(<$own_lt>)? Arguments for $name $(<$own_lt>)? {
                const CLASS_ID: u16 = $class_id;
                const METHOD_ID: u16 = $id;

                #[inline]
                fn write(&self, _writer: &mut ArgumentWriter<'_>) {
                    $(_writer.argument(&self.$argument);)*
                }
            }
        )*
    };
}

pub(super) use class;
